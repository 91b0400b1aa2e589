import type { StatusSource } from './admin/status.js'
import type { WholeRelay } from './assembly.js'
import type { LoadMeter } from './observe/load.js'

/** Where the status of a whole relay is taken from. */
export function statusSource({ config, store, sessions, gateway, compactor }: WholeRelay, load: LoadMeter): StatusSource {
  return {
    config,
    sessions,
    sockets: () => sessions.size + gateway.visitors,
    load: () => load.now(),
    compactionWaiting: () => compactor.waiting,
    isWritable: () => store.isWritable(),
    stats: () => store.stats(),
    fullest: (limit) => store.fullestAccounts(config.quota, limit),
  }
}
