import './workspace-app.js'
