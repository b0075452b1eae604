import type { Reporter, SerializedError, TestModule, Vitest } from "vitest/node"
import "./Provided.ts"
import type {} from "./RanOn.ts"

const suitesThatFailed = (modules: ReadonlyArray<TestModule>): number =>
  modules.reduce(
    (count, module) =>
      count +
      (module.errors().length > 0 ? 1 : 0) +
      [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length,
    0,
  )

/**
 * Ends a run with what it ran on and, in the last line, how many tests passed, failed and were skipped. Written when
 * the process exits, because nothing else speaks after that.
 */
export default class SummaryReporter implements Reporter {
  private vitest: Vitest | undefined
  private ranOn: string | undefined
  private counts = { passed: 0, failed: 0, skipped: 0 }

  onInit(vitest: Vitest): void {
    this.vitest = vitest
    process.once("exit", (code) => {
      const { passed, failed, skipped } = this.counts
      if (this.ranOn !== undefined) process.stdout.write(`Ran on ${this.ranOn}\n`)
      process.stdout.write(
        `${passed} passed, ${code === 0 ? failed : Math.max(failed, 1)} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
      )
    })
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: ReadonlyArray<SerializedError>): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: "passed" | "failed" | "skipped") =>
      tests.filter((test) => test.result().state === state).length
    const databases = new Set(modules.flatMap((module) => module.meta().ranOn ?? []))
    const besides = this.vitest?.getProvidedContext().besides
    this.ranOn = [[...databases].sort().join(", ") || "no database", besides].join("; ")
    this.counts = {
      passed: count("passed"),
      failed: count("failed") + suitesThatFailed(modules) + unhandled.length,
      skipped: count("skipped"),
    }
  }
}
