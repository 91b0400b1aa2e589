/**
 * The recovery kit: a file and a passphrase from which the org is remade when all its devices are gone. Until an admin has saved one outside this browser, whoever
 * clears the browser's data, or runs a script in the page once, has the org's root key to lose or to take. Afterwards that key is in the kit alone.
 *
 * @example
 * ```ts
 * const { file, passphrase } = await vendor.recovery.makeKit()
 * // Offer the file as a download, and show the passphrase once. Then let the person bring both back.
 * await vendor.recovery.confirmKit(file, passphrase)
 * console.log(vendor.recovery.status().kit) // saved
 * ```
 */
export interface RecoveryApi {
  /** Whether the kit was saved. `savedAt`: milliseconds since 1970, by this device's clock. */
  status(): { readonly kit: 'missing' | 'saved'; readonly savedAt: number | undefined }

  /**
   * Makes a kit, as an admin. Each has a passphrase of its own, and all open the same org. It takes about half a second.
   *
   * @returns the file's content and the passphrase, which are kept nowhere
   * @throws EngineError NOT_ALLOWED for a member, or once a kit was saved: the root key has left this device
   */
  makeKit(): Promise<{ readonly file: string; readonly passphrase: string }>

  /**
   * Takes the root key off this device, as an admin who shows that the kit was saved and opens. Where no relay has seen the org yet, the key goes with the first
   * session: the org's first roster is signed once more then, by the relay's clock.
   *
   * @param file the content of the file that was saved
   * @param passphrase as a person types it: case, spaces and dashes do not matter
   * @throws EngineError NOT_ALLOWED for a member; INVALID for a file that is no kit, a passphrase that does not open it, or the kit of another org
   */
  confirmKit(file: string, passphrase: string): Promise<void>
}
