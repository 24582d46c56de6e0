from twisted.application.service import ServiceMaker

mailserverd = ServiceMaker("mailserverd", "mailserverd.tap", "A complete mail server", "mailserverd")
