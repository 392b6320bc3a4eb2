"""Dislocation systems, their far fields, the cells that hold them and the analysis of their cores."""
