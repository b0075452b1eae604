import { it, makeMethods } from "@effect/vitest"

/*
 * Test files share a process, and with it the one `it`, whose methods the `layer` of an earlier file has made its own.
 */
makeMethods(it)
