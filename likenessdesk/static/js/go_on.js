// What was sent goes on by itself once it is known who sent it. Without scripts a button does it.
document.getElementById("go-on").requestSubmit();
