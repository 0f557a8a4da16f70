"""
Builds and pushes images with Docker.
"""
