import { defineElement } from '../base/define-element.js'
import { EntenteRecord } from '../record/record.js'

defineElement('entente-record', EntenteRecord)

declare global {
  interface HTMLElementTagNameMap {
    'entente-record': EntenteRecord
  }
}
