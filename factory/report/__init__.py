"""The report of a run, and of two runs compared: one HTML file each, read without a network.

`facts` reads what a run left behind; `*_section` turns facts into blocks; `*_picture` draws;
`write` puts a page together. What an old run lacks is said on the page and stops nothing.
"""
