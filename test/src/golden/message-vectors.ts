import { readFile, writeFile } from 'node:fs/promises'
import { type ClientMessage, encodeClientFrame, encodeRelayFrame, type RelayMessage } from '@entente/protocol'

interface FrameVectors {
  readonly device: readonly FrameVector<ClientMessage>[]
  readonly relay: readonly FrameVector<RelayMessage>[]
}

interface FrameVector<M> {
  readonly name: string
  readonly messages: readonly M[]
  readonly frame: string
}

/** The fields of messages that hold bytes: base64url in the file. */
const bytesFields: ReadonlySet<string> = new Set(['nonce', 'claim', 'claimHash', 'bytes'])

/** Encodes the messages of a file of vectors again, and writes their frames into it. A refused frame stays as it is. */
export async function remakeFrames(path: string): Promise<void> {
  const reviver = (name: string, value: unknown): unknown =>
    bytesFields.has(name) && typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64url')) : value
  const text = await readFile(path, 'utf8')
  const plain = JSON.parse(text) as FrameVectors
  const typed = JSON.parse(text, reviver) as FrameVectors
  const framed = <M>(vectors: readonly FrameVector<M>[], from: readonly FrameVector<M>[], encode: (messages: readonly M[]) => Uint8Array) =>
    vectors.map((vector, index) => ({ ...vector, frame: Buffer.from(encode(from[index]?.messages ?? [])).toString('base64url') }))
  const made = {
    ...plain,
    device: framed(plain.device, typed.device, encodeClientFrame),
    relay: framed(plain.relay, typed.relay, encodeRelayFrame),
  }
  await writeFile(path, `${JSON.stringify(made, null, 2)}\n`)
}
