import { limits } from '@entente/protocol'

/** What an offer takes beside its bytes: key, numbers, kind. In bytes, at most. */
const offerOverhead = 128
/** A publish message of this size leaves room for one more entry of the largest size in the frame. */
const batchBytes = 64 * 1024

interface Sized {
  readonly bytes: Uint8Array
}

/** The size of an offer on the wire, in bytes, at most. */
export function sizeOf({ bytes }: Sized): number {
  return bytes.length + offerOverhead
}

/** Splits offers, in their order, into batches whose publish message fits into a frame. */
export function* batchesOf<Offered extends Sized>(offers: readonly Offered[]): Iterable<readonly Offered[]> {
  let batch: Offered[] = []
  let size = 0
  for (const offer of offers) {
    const bytes = sizeOf(offer)
    if (batch.length > 0 && (size + bytes > batchBytes || batch.length >= limits.entriesPerFrame)) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(offer)
    size += bytes
  }
  if (batch.length > 0) yield batch
}
