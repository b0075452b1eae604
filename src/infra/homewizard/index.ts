export * from "./Ca.ts"
export * as HomeWizardMeter from "./Meter.ts"
