# A package, so that no other package called tests, which some distributions install, is taken for this one.
