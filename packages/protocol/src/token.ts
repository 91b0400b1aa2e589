import * as v from 'valibot'
import { parseDeviceId, parseOrgId } from './id.js'
import { publicKey } from './roster.js'

/** The JOSE type of a hello token. */
export const helloType = 'entente-hello+jwt'

const helloAlgorithm = { alg: v.literal('EdDSA'), typ: v.literal(helloType) }

/** The header of a hello token: `kid` is the device whose key signs it. The org's root key, which only reads (rule ID8), stands in it as `jwk`. */
export const helloHeader = v.union([
  v.object({ ...helloAlgorithm, kid: v.pipe(v.string(), v.transform(parseDeviceId)), jwk: v.optional(v.never()) }),
  v.object({ ...helloAlgorithm, jwk: publicKey, kid: v.optional(v.never()) }),
])

/**
 * The claims of a hello token (rule ID3). `nonce` is the challenge's, in base64url. `aud` is the relay's host as the device dialled it. `version` is the
 * protocol version that the device speaks. `roster` is the number of the highest roster of `org` that the device knows. The nonce makes the token
 * fresh, so it has no dates, and no clock decides about it (rule ID4).
 */
export const helloClaims = v.object({
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  aud: v.pipe(v.string(), v.maxLength(255)),
  version: v.pipe(v.number(), v.integer()),
  org: v.pipe(v.string(), v.transform(parseOrgId)),
  roster: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The join token that the relay's operator gave to the org, where the relay asks for one (rule AM2). */
  join: v.optional(v.pipe(v.string(), v.maxLength(512))),
})
export type HelloClaims = v.InferOutput<typeof helloClaims>
