/** What tools write into a cell where nobody chose anything. In lower case, without the signs around it. */
const words = new Set([
  '',
  'select',
  'select one',
  'select a value',
  'please select',
  'choose',
  'choose one',
  'please choose',
  'none selected',
  'not selected',
  'not specified',
  'n/a',
  'n.a',
  'bitte wählen',
  'bitte auswählen',
  'choisir',
  'sélectionner',
  'seleccionar',
])

/** Words that also name something, such as a person: nothing only where signs surround them. */
const wrapped = /^[-<([{]+\s*(?:none|blank|empty|null|nothing)\s*[->)\]}]+$/i

/** Whether a cell’s text stands for nothing: “Select”, “--None--”, “Please choose …”, “N/A”, “-”. No text of a blank cell is one. */
export function isPlaceholder(cell: string): boolean {
  if (cell.length > 40 || cell === '') return false
  if (cell === 'NULL' || cell === '\\N' || wrapped.test(cell)) return true
  return words.has(
    cell
      .toLowerCase()
      .replace(/^[\s<([{#*_.\u2026\u2013\u2014-]+/, '')
      .replace(/[\s>)\]}#*_.\u2026\u2013\u2014:-]+$/, ''),
  )
}
