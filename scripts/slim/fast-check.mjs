// Schemas can make up values for tests; a program never asks them to.
export {}
