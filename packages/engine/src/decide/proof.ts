import { type DeviceId, type OrgId, parseDeviceId, type RosterDevice, toPublicKey } from '@entente/protocol'
import { compactVerify, importJWK } from 'jose'
import { toBase64UrlEncoded } from 'lib0/buffer'
import { encodeUtf8 } from 'lib0/string'
import { canonicalJson } from '../agree/canonical.js'
import { decisionType } from '../identity/decision.js'
import type { Register } from '../row/row.js'

/** The place and the content that a signature is for, so that it counts nowhere else. */
export interface Decided {
  readonly org: OrgId
  readonly object: string
  readonly id: string
  readonly field: string
  readonly register: Register
}

/** Signs as a device of this org, in a compact JWS of this JOSE type. */
export type Sign = (type: string, content: string) => Promise<string>

const type = 'row'

/** What is signed: canonical JSON, so that it is the same text on every device. */
function contentOf({ org, object, id, field, register: [stamp, value] }: Decided): string {
  return canonicalJson([org, object, id, field, stamp, value])
}

/** The signature of a register by the device at hand, as the register keeps it: `<device>.<signature>` (rule DR1). */
export async function prove(sign: Sign, device: DeviceId, decided: Decided): Promise<string> {
  const jws = await sign(type, contentOf(decided))
  return `${device}.${jws.slice(jws.lastIndexOf('.') + 1)}`
}

/** The device that a proof names; undefined for what is no proof. */
export function signerOf(proof: string | undefined): DeviceId | undefined {
  try {
    return parseDeviceId(proof?.slice(0, proof.indexOf('.')) ?? '')
  } catch {
    return undefined
  }
}

/** Whether a proof is this device's signature of what was decided. The header and the content of the JWS are those that it must have. */
export async function isProof(proof: string, device: DeviceId, { key }: RosterDevice, decided: Decided): Promise<boolean> {
  const header = JSON.stringify({ alg: 'EdDSA', typ: decisionType(type), kid: device })
  const [head, body] = [header, contentOf(decided)].map((text) => toBase64UrlEncoded(encodeUtf8(text)))
  try {
    await compactVerify(`${head}.${body}.${proof.slice(proof.indexOf('.') + 1)}`, await importJWK(toPublicKey(key), 'EdDSA'))
    return true
  } catch {
    return false
  }
}
