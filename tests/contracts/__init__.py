"""What every implementation of an interface must make true, as mixins; tests/backends binds them to each backend.

A binding is a test class that inherits the mixin and defines its fixture. Nothing here knows a backend.
"""
