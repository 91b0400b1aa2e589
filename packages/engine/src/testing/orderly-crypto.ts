import { seededRandom } from './random.js'
import { turn } from './turn.js'

// The platform's cryptography, of which the library es2023 knows nothing.
type Work = (...parts: readonly unknown[]) => Promise<unknown>
declare const crypto: { readonly subtle: Record<string, Work | undefined> }

/** What the engine asks of WebCrypto. */
const methods = ['deriveBits', 'digest', 'exportKey', 'generateKey', 'importKey', 'sign', 'verify'] as const

/** By the algorithm of a key, the last number of its identifier (RFC 8410), and what each half is for. */
const curves = {
  Ed25519: { id: 0x70, secret: ['sign'], public: ['verify'] },
  X25519: { id: 0x6e, secret: ['deriveBits'], public: [] },
} as const

/**
 * The platform's cryptography, one piece of work after the other in the order in which they were begun, and with keys that follow from a seed. So a run of engines that
 * share a process does the same each time. Call `restore` at the end: meanwhile everything in this process works so.
 */
export class OrderlyCrypto {
  readonly #original = new Map<string, Work>()
  /** What was worked out before, by what it was worked out of: all devices of a run verify the same signatures. */
  readonly #known = new Map<string, Promise<unknown>>()
  /** The public key that each imported key stands for. */
  readonly #names = new WeakMap<object, string>()
  #random = seededRandom(1)
  #left = 0
  #queue: Promise<unknown> = Promise.resolve()

  constructor() {
    for (const method of methods) {
      const original = crypto.subtle[method]
      if (original) this.#original.set(method, original.bind(crypto.subtle))
      crypto.subtle[method] = this.#inOrder(this.#platform(method))
    }
    const [importKey, verify, digest] = [this.#platform('importKey'), this.#platform('verify'), this.#platform('digest')]
    crypto.subtle['importKey'] = this.#inOrder((...parts) => this.#import(parts, importKey))
    crypto.subtle['verify'] = this.#inOrder((...parts) => this.#verify(parts, verify))
    crypto.subtle['digest'] = this.#inOrder((...parts) =>
      this.#once(`digest ${JSON.stringify(parts[0])} ${textOf(parts[1])}`, () => digest(...parts)),
    )
    crypto.subtle['generateKey'] = this.#inOrder((...parts) => this.#generate(...parts))
  }

  /** Keys are drawn anew from here on. @param seed a whole number */
  seed(seed: number): void {
    this.#random = seededRandom(seed)
  }

  /** Resolves once nothing is under way, nor anything that followed from it. */
  readonly rest = async (): Promise<void> => {
    do await turn()
    while (this.#left > 0)
  }

  restore(): void {
    // The methods stand on the prototype.
    for (const method of methods) delete crypto.subtle[method]
  }

  /** Public keys alone: of a secret one nothing is kept. */
  async #import(parts: readonly unknown[], importKey: Work): Promise<unknown> {
    const [format, key] = parts
    if (format !== 'jwk' || Object.hasOwn(key as object, 'd')) return importKey(...parts)
    const name = JSON.stringify(parts)
    const imported = await this.#once(name, () => importKey(...parts))
    this.#names.set(imported as object, name)
    return imported
  }

  #verify(parts: readonly unknown[], verify: Work): Promise<unknown> {
    const [, key, signature, data] = parts
    const name = this.#names.get(key as object)
    return this.#once(name === undefined ? undefined : `verify ${name} ${textOf(signature)} ${textOf(data)}`, () => verify(...parts))
  }

  #once(name: string | undefined, work: () => Promise<unknown>): Promise<unknown> {
    const known = name === undefined ? undefined : this.#known.get(name)
    if (known) return known
    const begun = work()
    if (this.#known.size > 20_000) this.#known.clear()
    if (name !== undefined) this.#known.set(name, begun)
    return begun
  }

  /** The next piece begins once all that follows from the one before has been begun. So the order is the same however long a piece takes, or if its outcome was known. */
  #inOrder(work: Work): Work {
    return (...parts) => {
      this.#left++
      const done = this.#queue.then(() => work(...parts))
      this.#queue = done.then(turn, turn).then(() => this.#left--)
      return done
    }
  }

  #platform(method: (typeof methods)[number]): Work {
    const work = this.#original.get(method)
    if (!work) throw new TypeError(`This platform has no crypto.subtle.${method}.`)
    return work
  }

  async #generate(...[algorithm, isExtractable]: readonly unknown[]): Promise<unknown> {
    const [importKey, exportKey] = [this.#platform('importKey'), this.#platform('exportKey')]
    const curve = typeof algorithm === 'string' ? algorithm : (algorithm as { readonly name: string }).name
    const kind = curves[curve as keyof typeof curves]
    const pkcs8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, kind.id, 4, 0x22, 4, 0x20, ...this.#random(32))
    const { x } = (await exportKey('jwk', await importKey('pkcs8', pkcs8, curve, true, kind.secret))) as { readonly x: string }
    return {
      privateKey: await importKey('pkcs8', pkcs8, curve, isExtractable, kind.secret),
      publicKey: await importKey('jwk', { kty: 'OKP', crv: curve, x }, curve, true, kind.public),
    }
  }
}

/** Bytes as a text. */
function textOf(bytes: unknown): string {
  const all = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes as ArrayBuffer)
  let text = ''
  for (const byte of all) text += String.fromCharCode(byte)
  return text
}
