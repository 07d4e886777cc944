"""The agency's side: identifiable records in, a pseudonymised delivery out.

Runs inside the agency, imports nothing else of this project, needs no network and no server.
"""
