import { type DeviceId, type Epoch, type OrgId, parseDeviceId, parseFeedName, parseKey, parseOrgId } from '@entente/protocol'
import { jwtVerify, SignJWT } from 'jose'
import * as v from 'valibot'
import type { KeyName } from '../store/store.js'

const gatewayTokenType = 'entente-gateway+jwt'

/** The device that asked for a token. The token is valid only as long as the relay serves that device. */
export interface TokenHolder {
  readonly org: OrgId
  readonly device: DeviceId
}

/** What a gateway token opens: one doc, in one epoch, until it expires. */
export interface Pass {
  readonly holder: TokenHolder
  readonly name: KeyName
  readonly epoch: Epoch
  /** ms since 1970 */
  readonly expires: number
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const claims = v.object({
  org: v.pipe(v.string(), v.transform(parseOrgId)),
  device: v.pipe(v.string(), v.transform(parseDeviceId)),
  feed: v.pipe(v.string(), v.transform(parseFeedName)),
  key: v.pipe(v.string(), v.transform(parseKey)),
  version: count,
  number: count,
  expires: count,
})

/** Signs and verifies the gateway's tokens: JWTs (HS256) under the store's secret, so that a token is valid at every relay on the same store. */
export class GatewayTokens {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  async sign({ holder: { org, device }, name, epoch, expires }: Pass): Promise<string> {
    return new SignJWT({ org, device, feed: name.feed, key: name.key, ...epoch, expires })
      .setProtectedHeader({ alg: 'HS256', typ: gatewayTokenType })
      .setExpirationTime(Math.ceil(expires / 1000))
      .sign(this.#secret)
  }

  /** @returns undefined for a token that is forged, expired, or no gateway token */
  async read(token: string, now: number): Promise<Pass | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, { algorithms: ['HS256'], typ: gatewayTokenType, currentDate: new Date(now) })
      const { org, device, feed, key, version, number, expires } = v.parse(claims, payload)
      return expires > now ? { holder: { org, device }, name: { feed, key }, epoch: { version, number }, expires } : undefined
    } catch {
      return undefined
    }
  }
}
