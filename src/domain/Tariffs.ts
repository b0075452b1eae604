import { Context } from "effect"
import { tariffs2025And2026 } from "./TariffData.ts"
import type { TariffTable } from "./TariffTable.ts"

/** The tariffs that costs are told by: those known when this was made, unless the program was given others. */
export class Tariffs extends Context.Reference<Tariffs>()("domain/Tariffs", {
  defaultValue: (): TariffTable => tariffs2025And2026,
}) {}
