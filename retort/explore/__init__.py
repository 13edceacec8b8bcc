"""The explorer: a page on loopback that shows the rows of a run or of a dataset."""
