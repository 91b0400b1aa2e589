export { defaultConfig, type RelayConfig } from './config/config.js'
export { createLog, type Log, type LogFields, type LogLevel } from './log.js'
export { type RunningRelay, startRelay } from './relay.js'
