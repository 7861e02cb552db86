"""The language model as data: checkpoint -> `Model` -> quantised tensors -> font table, and what checks the engine."""
