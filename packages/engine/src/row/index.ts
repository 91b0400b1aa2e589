export { type Register, type Row, valueOf } from './row.js'
export { type RowChange, type RowEdit, Rows } from './rows.js'
export { Stamper } from './stamper.js'
