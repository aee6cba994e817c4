
BprobabilitiesJ(“8…1ó?ê0v€3‹hK9”…0T£/g+1ûm„6LÏ.2