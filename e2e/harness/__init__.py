"""Real parts for end-to-end tests: workspaces under a real Bazel, registries, container runtimes, and independent judges.

Runs inside the test-bed (tests/testbed), which has all of them installed. Nothing here knows what a case asserts.
"""
