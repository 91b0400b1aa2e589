import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { TlsFiles } from '../config/config.js'
import { type Log, reasonOf } from '../log.js'

/** A certificate with its chain, and the key that matches it (PEM). */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
  /** ms since 1970: the end of the certificate. */
  readonly expires: number
}

/** @throws Error that names the file that cannot be read, or says that certificate and key do not match */
export function readCertificatePair(files: TlsFiles): CertificatePair {
  const cert = read(files.cert)
  const key = read(files.key)
  try {
    createSecureContext({ cert, key })
    return { cert, key, expires: Date.parse(new X509Certificate(cert).validTo) }
  } catch (error) {
    throw new Error(`The certificate in ${files.cert} and the key in ${files.key} cannot be used: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Keeps a server's certificate in step with its files, so that a renewal needs no restart: open sockets keep the old one, new sockets get the new one. It polls
 * the files instead of watching them: certificates are often renewed by switching a symbolic link, which a file watcher does not see.
 */
export class Certificate {
  readonly #files: TlsFiles
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #server: Server | undefined
  #used: CertificatePair
  #failure = ''

  constructor(files: TlsFiles, everyMs: number, log: Log) {
    this.#files = files
    this.#log = log
    this.#used = readCertificatePair(files)
    this.#timer = setInterval(() => this.reload(), everyMs).unref()
  }

  get pair(): CertificatePair {
    return this.#used
  }

  serve(server: Server): void {
    this.#server = server
  }

  /** Reloads both files. If they cannot be used, as while only one of the two is written, the old pair stays. */
  reload(): void {
    try {
      const pair = readCertificatePair(this.#files)
      this.#failure = ''
      if (pair.cert === this.#used.cert && pair.key === this.#used.key) return
      this.#server?.setSecureContext({ cert: pair.cert, key: pair.key })
      this.#used = pair
      this.#log.info('certificate-renewed', { expires: new Date(pair.expires).toISOString() })
    } catch (error) {
      const failure = reasonOf(error)
      if (failure !== this.#failure) this.#log.error('certificate-not-renewed', { reason: failure })
      this.#failure = failure
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`The file ${file} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}
