export { type Register, type Row, valueOf } from './row.js'
export { type Condition, type RowChange, type RowEdit, type RowReader, Rows } from './rows.js'
export { Stamper } from './stamper.js'
