"""Measurements of voxcli against bare loops and other programs; see README.md in this folder."""
