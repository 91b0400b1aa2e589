import type { StatusSource } from './admin.js'
import type { WholeRelay } from './assembly.js'
import type { LoadMeter } from './load.js'

/** Where the status of a whole relay is taken from. */
export function statusSource({ config, store, sessions, doors, compactor }: WholeRelay, load: LoadMeter): StatusSource {
  return {
    config,
    sessions,
    sockets: () => sessions.size + doors.visitors,
    load: () => load.now(),
    compactionWaiting: () => compactor.waiting,
    isWritable: () => store.isWritable(),
    stats: () => store.stats(),
    fullest: (limit) => store.fullestAccounts(config.quota, limit),
  }
}
