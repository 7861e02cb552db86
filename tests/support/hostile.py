"""Guests that mean harm, or are broken, for the tests of both hosts."""

from __future__ import annotations

# The first character makes tests/host/native/hostile.c do this:
HARMS = {
    "L": "loops without end",
    "M": "grows its memory without end",
    "T": "traps",
    "A": "traps after it changed the text",
    "S": "traps after it shaped the text",
    "D": "recurses without end",
    "Z": "changes the text and returns 0",
    "H": "sets a huge buffer",
    "P": "writes outside of its memory",
    "B": "passes structures outside of its memory",
    "Q": "shapes twice",
    "W": "asks for the Wasm shaper",
    "V": "asks for the Wasm shaper by its other name",
}
# And these are no harm: the guest goes on to shape by OpenType.
ODDITIES = {
    "G": "takes all the memory there is",
    "R": "passes handles that are none",
    "O": "makes objects without end",
}

SHAPE_TYPE = "(param i32 i32 i32 i32 i32) (result i32)"
MODULES = {
    "no shape()": '(module (memory (export "memory") 1))',
    "shape() of another type": '(module (func (export "shape") (param i64) (result i32) i32.const 1))',
    "shape is a memory": '(module (memory (export "shape") 1))',
    "an import that is not there": f"""(module (import "env" "no_such_function" (func $f))
        (func (export "shape") {SHAPE_TYPE} call $f i32.const 1))""",
    "an import of another module": f"""(module (import "wasi_snapshot_preview1" "proc_exit" (func $f (param i32)))
        (func (export "shape") {SHAPE_TYPE} i32.const 0 call $f i32.const 1))""",
    "an import of another type": f"""(module (import "env" "buffer_reverse" (func $f (param i64)))
        (func (export "shape") {SHAPE_TYPE} i64.const 0 call $f i32.const 1))""",
    "an imported memory": f"""(module (import "env" "memory" (memory 1))
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "a start function that traps": f"""(module (func $s unreachable) (start $s)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "a start function that does not end": f"""(module (func $s (loop br 0)) (start $s)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "shape_plan_create() traps": f"""(module
        (func (export "shape_plan_create") (param i32) (result i32) unreachable)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "no memory": f"""(module (import "env" "shape_with" (func $f (param i32 i32 i32 i32 i32) (result i32)))
        (func (export "shape") {SHAPE_TYPE}
            local.get 1 local.get 2 i32.const 0 i32.const 0 i32.const 0 call $f))""",
    "more memory than is allowed": f"""(module (memory (export "memory") 60000)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "more memory than is allowed, in a second one": f"""(module (memory (export "memory") 1) (memory 60000)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "a table that is too large": f"""(module (memory (export "memory") 1) (table 2000000 funcref)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "too many tables": f"""(module (memory (export "memory") 1) {"(table 1000000 funcref)" * 17}
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "a table that grows beyond what is allowed": f"""(module (memory (export "memory") 1) (table $t 1 funcref)
        (func (export "shape") {SHAPE_TYPE}
            ;; traps, unless it is refused
            (if (i32.eq (table.grow $t (ref.null func) (i32.const 2000000)) (i32.const -1)) (then unreachable))
            i32.const 1))""",
    "malloc() returns nonsense": f"""(module (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32) i32.const -16)
        (func (export "free") (param i32) unreachable)
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "malloc() does not end": f"""(module (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32) (loop br 0) i32.const 8)
        (func (export "free") (param i32))
        (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
    "malloc() changes the buffer": f"""(module
        (import "env" "buffer_copy_contents" (func $copy (param i32 i32) (result i32)))
        (import "env" "buffer_reverse" (func $reverse (param i32)))
        (memory (export "memory") 1) (global $buffer (mut i32) (i32.const 0))
        (func (export "malloc") (param i32) (result i32) global.get $buffer call $reverse i32.const 1024)
        (func (export "free") (param i32))
        (func (export "shape") {SHAPE_TYPE} local.get 2 global.set $buffer
            local.get 2 i32.const 16 call $copy))""",
}
