import './site-app.js'
