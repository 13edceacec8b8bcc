"""A Ray cluster behind `map_parts`: the connection, the nodes, and who does which item.

Nothing else of the factory imports Ray, but for the servers that `factory.generate` places.
"""
