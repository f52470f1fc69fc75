"""What X may be."""
