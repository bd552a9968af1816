"""What must hold of the manifests. Each check takes a Rendering and gives sentences about what is wrong."""
