import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/TestMethods.ts", "test/support/Property.ts", "test/support/RanOn.ts"],
    globalSetup: ["test/support/GlobalSetup.ts", "test/support/BuildPrograms.ts"],
    reporters: ["default", "./test/support/SummaryReporter.ts"],
    pool: "forks",
    // Loading the libraries anew for each file would take a third of the time.
    isolate: false,
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
