/** Hands a text to the person as a file. */
export function downloadText(name: string, type: string, text: string): void {
  downloadBlob(name, new Blob([text], { type }))
}

/** The same with bytes. */
export function downloadBlob(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken the data over by the next turn but one; later is safe and costs nothing.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
