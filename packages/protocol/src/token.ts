import * as v from 'valibot'
import { parseDeviceId, parseOrgId } from './id.js'

// The two JWTs of a session (RFC 7519, alg EdDSA). Signing and verifying is the business of engine and relay; what stands in them is here.

export const helloType = 'entente-hello+jwt'
export const certificateType = 'entente-device+jwt'

export const roles = ['admin', 'member', 'site'] as const
export type Role = (typeof roles)[number]

const publicKey = v.object({ kty: v.literal('OKP'), crv: v.literal('Ed25519'), x: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)) })

/** An Ed25519 public key as a JWK (RFC 8037). */
export type PublicKey = v.InferOutput<typeof publicKey>

/**
 * A device certificate's header and claims: the org's root key vouches that a device key (`cnf`, RFC 7800) belongs to a user with a role.
 * `iss` is the org id and must be the thumbprint of the header's `jwk`; `sub` is the device id and must be the thumbprint of `cnf.jwk` (rule ID2).
 */
export const certificateHeader = v.object({ alg: v.literal('EdDSA'), typ: v.literal(certificateType), jwk: publicKey })
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

/** A hello's claims: the relay's nonce (base64url), the relay's host as the device dialled it, the protocol version it will speak. */
export const helloClaims = v.object({
  nonce: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  aud: v.pipe(v.string(), v.maxLength(255)),
  version: v.pipe(v.number(), v.integer()),
  iat: v.pipe(v.number(), v.integer()),
  exp: v.pipe(v.number(), v.integer()),
  /** What the relay's operator gave the org to be let in with, where the relay asks for it (rule AM2). */
  join: v.optional(v.pipe(v.string(), v.maxLength(512))),
})
export type HelloClaims = v.InferOutput<typeof helloClaims>
