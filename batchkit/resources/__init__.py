"""
The resource types, a module a service.
"""
