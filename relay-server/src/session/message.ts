import type { ClientMessage, RelayMessage } from '@entente/protocol'

/** A device's message of one type. */
export type Asked<T extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: T }>
/** The relay's message of one type. */
export type Told<T extends RelayMessage['type']> = Extract<RelayMessage, { readonly type: T }>
