S: 1

body
.x
.
QUIT
