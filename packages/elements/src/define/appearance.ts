import './choice.js'
import './records.js'
import './related.js'
import { defineElement } from '../base/define-element.js'
import { EntenteAppearance } from '../appearance/appearance.js'

defineElement('entente-appearance', EntenteAppearance)

declare global {
  interface HTMLElementTagNameMap {
    'entente-appearance': EntenteAppearance
  }
}
