import { type LibsqlOptions, openLibsqlStore } from './store/libsql/libsql.js'
import { openPostgresBeside } from './store/postgres/beside.js'
import { openPostgresStore } from './store/postgres/postgres.js'
import type { Store, StoreBeside, StoreLocation } from './store/store.js'

/**
 * Opens the store that the settings name: the database if they name one, else the embedded store.
 *
 * @throws Error as the stores do
 */
export function openStore({ data, store }: StoreLocation, { synced }: Pick<LibsqlOptions, 'synced'> = {}): Promise<Store> {
  return store === undefined ? openLibsqlStore(data, synced && { synced }) : openPostgresStore(store)
}

/**
 * Opens a store for an operator's command. Relays may be running on it: a command creates no store, holds no lock and starts no incarnation.
 *
 * @throws Error when there is no store, it is of another version, or cannot be read
 */
export function openStoreBeside({ data, store }: StoreLocation): Promise<StoreBeside> {
  return store === undefined ? openLibsqlStore(data, { beside: true }) : openPostgresBeside(store)
}
