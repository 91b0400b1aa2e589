import * as v from 'valibot'
import { parseDeviceId, parseOrgId } from './id.js'
import { publicKey, roles } from './roster.js'

// The claims of a session's two JWTs (RFC 7519, alg EdDSA). Engine and relay sign and verify them.

/** The JOSE type of a hello token. */
export const helloType = 'entente-hello+jwt'
/** The JOSE type of a device certificate. */
export const certificateType = 'entente-device+jwt'

/** The header of a device certificate. `jwk` is the org's root key, which signs it. */
export const certificateHeader = v.object({ alg: v.literal('EdDSA'), typ: v.literal(certificateType), jwk: publicKey })
/**
 * The claims of a device certificate: the org's root key states that a device key (`cnf`, RFC 7800) belongs to a user with a role. `iss` is the org's
 * id, the thumbprint of the header's `jwk`. `sub` is the device's id, the thumbprint of `cnf.jwk` (rule ID2). `iat` and `exp` are in seconds since 1970.
 */
export const certificateClaims = v.object({
  iss: v.pipe(v.string(), v.transform(parseOrgId)),
  sub: v.pipe(v.string(), v.transform(parseDeviceId)),
  cnf: v.object({ jwk: publicKey }),
  user: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  role: v.picklist(roles),
  iat: v.pipe(v.number(), v.integer()),
  exp: v.pipe(v.number(), v.integer()),
})
export type CertificateClaims = v.InferOutput<typeof certificateClaims>

/**
 * The claims of a hello token (rule ID3). `nonce` is the challenge's, in base64url. `aud` is the relay's host as the device dialled it. `version` is the
 * protocol version that the device speaks. `iat` and `exp` are in seconds since 1970.
 */
export const helloClaims = v.object({
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  aud: v.pipe(v.string(), v.maxLength(255)),
  version: v.pipe(v.number(), v.integer()),
  iat: v.pipe(v.number(), v.integer()),
  exp: v.pipe(v.number(), v.integer()),
  /** The join token that the relay's operator gave to the org, where the relay asks for one (rule AM2). */
  join: v.optional(v.pipe(v.string(), v.maxLength(512))),
})
export type HelloClaims = v.InferOutput<typeof helloClaims>
