/** All ISO 4217 codes that this browser knows, the given ones first. */
export function currencyCodes(...first: readonly string[]): readonly string[] {
  all ??= Intl.supportedValuesOf('currency')
  return [...new Set([...first.filter((code) => code !== ''), ...all])]
}

let all: readonly string[] | undefined
