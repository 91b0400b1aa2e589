import type { Engine } from '@entente/engine'

export { EntenteProvider, libraryVersion } from './dist/index.js'

/** See `@entente/browser`, which this file holds. */
export declare function openOwnOrg(own: { readonly org: string; readonly relay: string }): Promise<Engine>
