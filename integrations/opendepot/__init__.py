"""A registry for Terraform and OpenTofu, protected as OpenDepot is. Must not be imported by the library."""
