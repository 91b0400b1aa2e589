import type { Measurement } from './report.js'

/** The figures as lines to read: what, ours, beside it, ratio, aim. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap(({ figures }) =>
    figures.map(({ name, unit, ours, beside, aim, met }) => [
      name,
      `${ours} ${unit}`,
      beside ? `${beside.name} ${beside.value}` : '',
      beside ? `${beside.ratio}×` : '',
      aim ?? '',
      aim === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  )
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('')
}
