import type { StorePlace } from '../config.js'
import { openLibsqlStore } from './libsql.js'
import { openPostgresStore } from './postgres.js'
import type { Store } from './store.js'

/**
 * Opens the store that the settings name: the database where there is one, else the embedded store.
 *
 * @throws Error as the stores do
 */
export function openStore({ data, store }: StorePlace): Promise<Store> {
  return store === undefined ? openLibsqlStore(data) : openPostgresStore(store)
}
