const browsers = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const
const systems = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS', 'Mac'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
] as const

/** What this browser calls itself among the devices of its org, such as "Firefox on Linux". */
export function browserName(agent: string = navigator.userAgent): string {
  const found = (list: readonly (readonly [string, string])[]): string | undefined => list.find(([sign]) => agent.includes(sign))?.[1]
  const [browser, system] = [found(browsers) ?? 'Browser', found(systems)]
  return system === undefined ? browser : `${browser} on ${system}`
}
