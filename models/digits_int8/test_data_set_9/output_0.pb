
BscoresJ(›¹bÀ$RïÀh&—À›¹b@yW°À½£¶@y“_Á›AÁŠˆÉÀ½ßeA