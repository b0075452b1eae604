import { Command } from "@effect/cli"
import { Layer } from "effect"
import { HomeWizardDiscovery } from "../infra/homewizard/index.ts"
import { layerQuietLogs, runCommand, version } from "../infra/process/index.ts"
import { pairing, spoolQuietly } from "./Adapters.ts"
import { discover } from "./commands/Discover.ts"
import { doctor } from "./commands/Doctor.ts"
import { pair } from "./commands/Pair.ts"
import { quarantine } from "./commands/Quarantine.ts"
import { live, run } from "./commands/Run.ts"
import { spool } from "./commands/Spool.ts"
import { status } from "./commands/Status.ts"
import { unpair } from "./commands/Unpair.ts"
import { statusPath } from "./Environment.ts"

const program = Command.make("p1-edge", {}, () => live).pipe(
  Command.withDescription("The box at home: takes the meter's samples and uploads them"),
  Command.withSubcommands([
    run,
    status(statusPath),
    doctor,
    Command.provide(quarantine, spoolQuietly),
    Command.provide(spool, spoolQuietly),
    Command.provide(pair, pairing(true)),
    Command.provide(unpair, pairing(false)),
    Command.provide(discover, Layer.merge(HomeWizardDiscovery.layer, layerQuietLogs)),
  ]),
  Command.run({ name: "p1-edge", version }),
)

runCommand(program)
